"""What every HTTP door shares: layers around a request, bodies, pages, problems."""
