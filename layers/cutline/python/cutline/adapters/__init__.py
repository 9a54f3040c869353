"""S3, DynamoDB and URL fetching. No pixels."""
