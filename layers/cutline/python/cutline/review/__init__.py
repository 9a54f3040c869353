"""Looking at results (`cutline review`) and learning from it which ones need no look (`cutline calibrate`).

page        one HTML page about a report's results, worst first; page.html is its text
decisions   the CSV that the page gives: what a person decided about each picture
threshold   the confidence from which on results may be published unseen
"""
