<?php
// PHP's curl extension, which follows no redirect unless told. Arguments: address, picture, result.
[, $url, $picture, $result] = $argv;
$call = curl_init("$url/v1.0/removebg");
curl_setopt($call, CURLOPT_POST, true);
curl_setopt($call, CURLOPT_POSTFIELDS, ['image_file' => new CURLFile($picture), 'size' => 'auto']);
curl_setopt($call, CURLOPT_HTTPHEADER, ['X-Api-Key: demo-key']);
curl_setopt($call, CURLOPT_RETURNTRANSFER, true);
$answer = curl_exec($call);
if (curl_getinfo($call, CURLINFO_HTTP_CODE) !== 200) exit(1);
file_put_contents($result, $answer);
