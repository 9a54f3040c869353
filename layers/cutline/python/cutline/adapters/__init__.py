"""AWS services and URL fetching. No pixels.

dynamodb        conditional writes and transactions, repeated safely
input_files     S3: tasks' files, drops and uploads
result_store    S3: results, and the signed links to them
signed_urls     CloudFront's signed URLs of results, and their keys
p256            the signatures of those URLs
link_secret     the keys of result links and callbacks, and their rotation
upload_tickets  S3: presigned forms for uploads
sources         a picture's bytes, from an upload or an address
fetch           HTTP(S) addresses of callers, guarded against private networks
sagemaker       the GPU endpoint, real-time or asynchronous
endpoint_watch  whether the endpoint answers; else the CPU does its work
callback_queue  SQS: ended tasks whose callers are called back
kms             encrypts credentials
aws_tls         one TLS context for all clients
"""
