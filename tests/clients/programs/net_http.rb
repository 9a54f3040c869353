# Ruby's own Net::HTTP. Arguments: address, picture, result.
require "net/http"

url, picture, result = ARGV
uri = URI("#{url}/v1.0/removebg")
request = Net::HTTP::Post.new(uri)
request["X-Api-Key"] = "demo-key"
request.set_form([["size", "auto"], ["image_file", File.open(picture)]], "multipart/form-data")
response = Net::HTTP.start(uri.hostname, uri.port) { |http| http.request(request) }
abort(response.body) unless response.is_a?(Net::HTTPOK)
File.binwrite(result, response.body)
