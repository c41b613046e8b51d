"""A running agent, seen from its log: the picture that `palimpsest log --follow` keeps on a terminal."""
