"""How long deliveries take."""
