require "openssl"

# Whether the service sent exactly this body in the last five minutes. `body` is `request.body.read`; the names in
# `headers` are in lower case.
def verify(body, headers, secret)
  id = headers.fetch("webhook-id", "")
  sent_at = headers.fetch("webhook-timestamp", "")
  return false unless sent_at.match?(/\A\d+\z/) && (Time.now.to_i - sent_at.to_i).abs <= 300

  key = secret.start_with?("whsec_") ? secret.delete_prefix("whsec_").unpack1("m") : secret
  digest = OpenSSL::HMAC.digest("SHA256", key, "#{id}.#{sent_at}.".b + body.b)
  expected = "v1,#{[digest].pack("m0")}"
  headers.fetch("webhook-signature", "").split(" ").any? do |signature|
    signature.bytesize == expected.bytesize && OpenSSL.fixed_length_secure_compare(signature, expected)
  end
end
