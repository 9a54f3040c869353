"""Where the subject goes on its canvas.

framing         sizes, margins, ratio and placement of the subject on its canvas
framing_parser  reads the text forms of framing options, such as "10%" or "4:5"
compose         crops, draws and blends pixels as a placement says
deep            draws pixels with 16 bits
"""
