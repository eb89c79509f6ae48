"""Every write, one module per noun, verbs inside; the only publisher."""
