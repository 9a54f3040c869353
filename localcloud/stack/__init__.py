"""template.yaml, translated and created in moto."""
