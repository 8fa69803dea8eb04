"""Pictures in and out: decode, encode, depth, colour profile, orientation, metadata. Knows no model.

Basic use: `read.read_picture` gives a `picture.Picture`, upright and at its own depth; `colour.srgb_proxy`
makes the small sRGB picture a model looks at; `write.open_writer` takes the result's rows;
`files.atomic_output` places the file.

To add a format to read: a signature in `header.sniff`, a module with an `open_...` that returns a
`picture_file.PictureFile`, and its case in `read`. Decoders that a damaged file can crash run through
`isolated`. To add one to write: its facts in `encoding.FORMATS`, and a writer with `write`, `close` and
`abort` in `write`.
"""
