"""What a cut-out is put together from: background, shadows, canvas. Knows no model and no file format."""
