"""Arrays in, arrays out: decode, network, refine, foreground, compose, encode. No AWS."""
