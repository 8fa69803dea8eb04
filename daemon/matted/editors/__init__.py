"""GIMP and Krita on this computer: where their plugins belong, and putting Matted's there.

`folders` finds the places, `bundle` says what a plugin consists of, `installing` puts it in place and takes
it out, `kritarc` switches it on in Krita. Knows nothing of pictures, models and the service, and nothing of
what the plugins do.
"""
