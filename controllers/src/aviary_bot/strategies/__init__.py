"""V2 controllers that come with the image.

They are not imported from here: the launcher copies their sources to where Hummingbot looks for controllers, beside
the desk's own strategy, so that both are loaded in one and the same way.
"""
