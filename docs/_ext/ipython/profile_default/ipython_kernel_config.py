"""How the notebooks' kernels draw: SVG, from which the site makes the dark variant."""

c = get_config()  # noqa: F821 - IPython provides it
c.InlineBackend.figure_formats = {"svg"}
c.InlineBackend.print_figure_kwargs = {"bbox_inches": None}
c.HistoryManager.enabled = False
c.IPKernelApp.log_level = 40  # errors; a warning about its local sockets comes with each start
