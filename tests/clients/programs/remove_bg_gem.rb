# The official gem: its connection takes an address. Arguments: address, picture, result.
require "json"
require "remove_bg"

url, picture, result = ARGV
client = RemoveBg::ApiClient.new(connection: RemoveBg::HttpConnection.build(url))
removed = client.remove_from_file(picture, RemoveBg::RequestOptions.new(api_key: "demo-key", size: "preview"))
File.binwrite(result, removed.data)
account = client.account_info(RemoveBg::BaseRequestOptions.new(api_key: "demo-key"))
begin
  client.remove_from_file(picture, RemoveBg::RequestOptions.new(api_key: "wrong"))
rescue RemoveBg::ClientHttpError => error
  refused = error.message
end
told = { type: removed.type, width: removed.width, rate: removed.rate_limit.total, credits: account.credits.total }
puts JSON.generate(told.merge(refused: refused))
