//! Demonstrating proof of possession (`DPoP`, RFC 9449): reads the public key from a proof. The simulation does not
//! verify the signature.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// Returns the public key in a `DPoP` header, or `None` if the value is not a proof for a POST request.
///
/// The coordinates have no leading zero bytes: some clients write them, as RFC 7518 asks, and others leave them out. A session
/// of `aws login` is renewed by both.
pub fn public_key(proof: &str) -> Option<Value> {
    let mut parts = proof.split('.');
    let (header, claims, signature) = (json(parts.next()?)?, json(parts.next()?)?, parts.next()?);
    let is_complete = !signature.is_empty() && claims["jti"].is_string() && claims["iat"].is_number();
    let is_proof = header["typ"] == "dpop+jwt" && header["alg"] == "ES256" && claims["htm"] == "POST";
    (is_proof && is_complete).then(|| without_leading_zeros(&header["jwk"]))
}

fn without_leading_zeros(key: &Value) -> Value {
    let mut key = key.clone();
    for name in ["x", "y"] {
        let bytes = key[name].as_str().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        if let Some(bytes) = bytes {
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            key[name] = URL_SAFE_NO_PAD.encode(&bytes[zeros..]).into();
        }
    }
    key
}

/// Decodes one part of a JWT.
fn json(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::pkce::base64url;
    use serde_json::json;

    fn proof(header: &Value, claims: &Value) -> String {
        let part = |value: &Value| base64url(value.to_string().as_bytes());
        format!("{}.{}.c2ln", part(header), part(claims))
    }

    #[test]
    fn the_key_is_read_only_from_a_proof_for_a_post_request() {
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": {"kty": "EC", "x": "a?~"}});
        let claims = json!({"jti": "1", "iat": 1, "htm": "POST", "htu": "https://x"});
        assert_eq!(public_key(&proof(&header, &claims)), Some(header["jwk"].clone()));
        assert_eq!(public_key(&proof(&json!({"typ": "jwt"}), &claims)), None);
        assert_eq!(public_key(&proof(&header, &json!({"htm": "GET"}))), None);
        assert_eq!(public_key("not a proof"), None);
    }

    #[test]
    fn a_key_is_the_same_with_and_without_leading_zeros() {
        let claims = json!({"jti": "1", "iat": 1, "htm": "POST"});
        let key = |x: &[u8], y: &[u8]| {
            let key = json!({"kty": "EC", "crv": "P-256", "x": base64url(x), "y": base64url(y)});
            public_key(&proof(&json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": key}), &claims)).unwrap()
        };
        assert_eq!(key(&[0, 7], &[1, 0]), key(&[7], &[1, 0]));
        assert_ne!(key(&[7], &[1, 0]), key(&[7], &[1]));
    }
}
