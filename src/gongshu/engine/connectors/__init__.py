"""One module for each kind of source, all with the functions of `source.Connector`."""
