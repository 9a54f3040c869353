"""The product's AWS account on one machine: the real template.yaml, one process, one port, no Docker. Linux only.

    template  template.yaml -> plain CloudFormation, offline       stack, deploy  -> moto, then read back
    runtime, sandbox, runtime_api, launch  Lambda: every sandbox is a true awslambdaric process
    gateway, routes, proxy_event           API Gateway: REST API and its limits, at / and below its stage
    front, presign                         one port for both and for moto's AWS services
    sagemaker, endpoint_process            the endpoint: the true serve.py on the CPU, called at once or through S3
    events                                 SQS event source mappings
    cloud, account, seed, welcome, sign    starting, stopping, the demo account, signed curl calls

What is not emulated: IAM (roles, bucket, queue and key policies), usage plans, API keys and method throttling, request
validation, mapping templates, WAF, X-Ray, alarms and dashboards, autoscaling, schedules, EventBridge targets
other than SQS, S3 and DynamoDB expiry, asynchronous retries and destinations, and Amazon Linux: functions run on this
machine's Python and its full CPU. Signature Version 2 presigned URLs are checked for time alone.
"""
