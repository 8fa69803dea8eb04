"""The page of the watched folders: who may open it, what it is told, what it may ask, and its three files."""
