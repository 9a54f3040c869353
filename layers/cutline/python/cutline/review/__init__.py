"""Reviewing results (`cutline review`), and the confidence from which they need no review (`cutline calibrate`).

page        one HTML page about a report's results, worst first; page.html is its text
decisions   the CSV that the page saves: a person's decision about each picture
threshold   the confidence from which results can be published without review
"""
