"""The wire contracts: one module per API. Pure: no AWS, no pixels."""
