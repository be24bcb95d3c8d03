//! Proof of possession (`DPoP`, RFC 9449), as far as a rehearsal needs it: which key a request proves to hold.
//! The signature itself is not verified, as none is here.

use aws_smithy_types::base64;
use serde_json::Value;

/// The public key in a `DPoP` header; `None` where it is no such proof.
pub fn public_key(proof: &str) -> Option<Value> {
    let mut parts = proof.split('.');
    let (header, claims, signature) = (json(parts.next()?)?, json(parts.next()?)?, parts.next()?);
    let complete = !signature.is_empty() && claims["jti"].is_string() && claims["iat"].is_number();
    let is_proof = header["typ"] == "dpop+jwt" && header["alg"] == "ES256" && claims["htm"] == "POST";
    (is_proof && complete).then(|| header["jwk"].clone())
}

/// base64url without padding, as all parts of a JWT are.
pub fn base64url(bytes: &[u8]) -> String {
    let text = base64::encode(bytes);
    text.trim_end_matches('=').replace('+', "-").replace('/', "_")
}

fn json(part: &str) -> Option<Value> {
    let mut text = part.replace('-', "+").replace('_', "/");
    text.extend(std::iter::repeat_n('=', (4 - text.len() % 4) % 4));
    serde_json::from_slice(&base64::decode(text).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn proof(header: &Value, claims: &Value) -> String {
        let part = |value: &Value| base64url(value.to_string().as_bytes());
        format!("{}.{}.c2ln", part(header), part(claims))
    }

    #[test]
    fn the_key_comes_from_a_proof_for_a_post_and_from_nothing_else() {
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": {"kty": "EC", "x": "a?~"}});
        let claims = json!({"jti": "1", "iat": 1, "htm": "POST", "htu": "https://x"});
        assert_eq!(public_key(&proof(&header, &claims)), Some(header["jwk"].clone()));
        assert_eq!(public_key(&proof(&json!({"typ": "jwt"}), &claims)), None);
        assert_eq!(public_key(&proof(&header, &json!({"htm": "GET"}))), None);
        assert_eq!(public_key("no proof"), None);
    }
}
