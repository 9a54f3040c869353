"""template.yaml, translated and made in moto."""
