"""Garments, for the costume API.

worn    `cut_garments`: the way of a costume call; worn garments are one alpha per class, inside the person
unworn  garments photographed without a wearer: one class per component of the foreground
"""
