"""The hot folder: every picture that appears in it is cut out once, by its recipe, and nothing is lost.

`folder.HotFolder` runs it; `desk.Desk` is what a person, or a page, may ask of it. May import the
pipeline, delivery and imaging; knows no HTTP.
"""
