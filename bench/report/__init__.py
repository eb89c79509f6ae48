"""From the JSON of a run to tables, plots and the pages that hold them."""
