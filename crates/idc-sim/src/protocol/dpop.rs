//! Demonstrating proof of possession (`DPoP`, RFC 9449): reads the public key from a proof. The simulation does not
//! verify the signature.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// Returns the public key in a `DPoP` header, or `None` if the value is not a proof for a POST request.
pub fn public_key(proof: &str) -> Option<Value> {
    let mut parts = proof.split('.');
    let (header, claims, signature) = (json(parts.next()?)?, json(parts.next()?)?, parts.next()?);
    let is_complete = !signature.is_empty() && claims["jti"].is_string() && claims["iat"].is_number();
    let is_proof = header["typ"] == "dpop+jwt" && header["alg"] == "ES256" && claims["htm"] == "POST";
    (is_proof && is_complete).then(|| header["jwk"].clone())
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
}
