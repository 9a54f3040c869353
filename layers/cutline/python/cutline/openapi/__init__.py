"""What the product says about itself, told by the contracts' own tables: facts for the playground, the API's page."""
