"""The other AWS services: moto's, with what moto leaves out."""
