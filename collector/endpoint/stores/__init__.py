"""Where the bundles themselves lie."""
