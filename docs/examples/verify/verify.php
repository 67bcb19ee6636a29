<?php

declare(strict_types=1);

/**
 * Whether the service sent exactly this body in the last five minutes. `$body` is `file_get_contents('php://input')`;
 * the names in `$headers` are in lower case, as by `array_change_key_case(getallheaders())`.
 */
function verify(string $body, array $headers, string $secret): bool
{
    $id = $headers['webhook-id'] ?? '';
    $sentAt = $headers['webhook-timestamp'] ?? '';
    if (!ctype_digit($sentAt) || abs(time() - (int) $sentAt) > 300) {
        return false;
    }
    $key = str_starts_with($secret, 'whsec_') ? base64_decode(substr($secret, 6)) : $secret;
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$sentAt.$body", $key, true));
    foreach (explode(' ', $headers['webhook-signature'] ?? '') as $signature) {
        if (hash_equals($expected, $signature)) {
            return true;
        }
    }
    return false;
}
