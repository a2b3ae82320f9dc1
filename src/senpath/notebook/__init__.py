"""What notebooks show: small tables and drawings as HTML, and charts. Nothing here knows what a network is."""
