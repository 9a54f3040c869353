"""The network's alpha made into the subject's at the picture's own size.

roi              crops the picture to a caller's region, and keeps the subject that is mostly in it
subject          chooses the person, the object or the whole foreground
cleanup          closes holes torn into the subject; removes haze far from its outline
components       connected components; removes specks
refine           upsamples alpha to the picture's size, guided by the picture's edges
foreground       estimates the subject's own colours along soft edges
stamp            the ink of a seal or stamp, found without a network
strokes          spreads what a person keeps or removes with a brush
random_walk      the values between a picture's pixels, for `strokes`
page_background  the colour of a page's bare paper, for `stamp`
"""
