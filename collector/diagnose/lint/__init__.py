"""Checks settings of extensions before they are rolled out.

    text -> document -> machines with their extensions -> findings of the checks -> problems

`document` reads JSON and knows on which line a place stands, `shapes` and its readers find machines and extensions in
templates, models and plans, `expressions` resolves what a template computes, the modules of `checks` look at one area
each, `rules` holds what is to be said, `judge` puts it together.
"""

from __future__ import annotations
