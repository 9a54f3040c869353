"""What a cut-out gets before it is encoded: a shadow, and a background.

options       the values and their text forms. Imports no library, so that contracts can use it
surface       the photographed background as a smooth surface, and how plain it is
kept_shadow   the photograph's own shadow, as a layer that darkens what is under it
drop_shadow   a contact shadow drawn from the subject's lower edge
shadows       which of both a subject gets, and where it falls on the canvas
backgrounds   a colour, a gradient, a picture, or the photograph's own background blurred, at the result's size
layers        subject over shadow over background
"""
