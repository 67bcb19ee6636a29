"""The SSRF-safe HTTP client for addresses that tenants give.

- `client`: send requests; the public interface, with `messages` for what goes in and comes out.
- `address_policy`: which URLs and addresses may be called; `ip_ranges` classifies addresses.
- `pinning`: resolve hosts to checked addresses, and check a URL before it is stored.
- `transfer`: one HTTP transfer over libcurl; `curl_errors` names the cause of a failed one.
"""
