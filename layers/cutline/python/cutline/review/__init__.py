"""Reviewing results (`cutline review`), and the confidence from which they need no review (`cutline calibrate`).

page        one HTML page about a report's results, worst first; page.html is its text
remake      how a result was made, and the strokes of its edits
editor      previews of mends, and their saved results
server      the page with an editor, on 127.0.0.1; editor.js is its script
decisions   the CSV that the page saves: a person's decision about each picture
threshold   the confidence from which results can be published without review
"""
