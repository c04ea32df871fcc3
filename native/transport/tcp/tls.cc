#include "transport/tcp/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace tsring {
namespace {

// Says which kind of key it is, not which: there is one a job.
constexpr std::string_view kKeyName = "tsring";
constexpr unsigned char kCipher[] = {0x13, 0x01};  // TLS_AES_128_GCM_SHA256
constexpr size_t kTlsRecordBytes = 16 << 10;
// Several records a read from the system.
constexpr size_t kReadAheadBytes = 64 << 10;

#ifdef MSG_NOSIGNAL
constexpr int kTlsSendFlags = MSG_NOSIGNAL;
#else
constexpr int kTlsSendFlags = 0;
#endif

// OpenSSL's own way to a socket would raise SIGPIPE.
int fdOf(BIO* bio) {
  return static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio)));
}

bool wouldBlock() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

int writeRaw(BIO* bio, const char* data, int length) {
  BIO_clear_retry_flags(bio);
  const auto sent = ::send(fdOf(bio), data, static_cast<size_t>(length), kTlsSendFlags);
  if (sent < 0 && wouldBlock()) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int readRaw(BIO* bio, char* data, int length) {
  BIO_clear_retry_flags(bio);
  const auto got = ::recv(fdOf(bio), data, static_cast<size_t>(length), 0);
  if (got < 0 && wouldBlock()) BIO_set_retry_read(bio);
  if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(got);
}

long controlRaw(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
  return command == BIO_CTRL_FLUSH;
}

const BIO_METHOD* rawMethod() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tsring socket");
    BIO_meth_set_write(made, writeRaw);
    BIO_meth_set_read(made, readRaw);
    BIO_meth_set_ctrl(made, controlRaw);
    return made;
  }();
  return method;
}

/// The key in the clothes of a session that could be resumed, which is how TLS 1.3 has it. Null where memory is short.
SSL_SESSION* sessionOf(SSL* ssl) {
  const auto& key = static_cast<const TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)))->key();
  SSL_SESSION* session = SSL_SESSION_new();
  const SSL_CIPHER* cipher = SSL_CIPHER_find(ssl, kCipher);
  if (session && cipher &&
      SSL_SESSION_set1_master_key(session, reinterpret_cast<const unsigned char*>(key.data()), key.size()) == 1 &&
      SSL_SESSION_set_cipher(session, cipher) == 1 && SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1) {
    return session;
  }
  SSL_SESSION_free(session);
  return nullptr;
}

int offerKey(SSL* ssl, const EVP_MD*, const unsigned char** name, size_t* length, SSL_SESSION** session) {
  *name = reinterpret_cast<const unsigned char*>(kKeyName.data());
  *length = kKeyName.size();
  *session = sessionOf(ssl);
  return *session != nullptr;
}

int findKey(SSL* ssl, const unsigned char* name, size_t length, SSL_SESSION** session) {
  const bool known = std::string_view(reinterpret_cast<const char*>(name), length) == kKeyName;
  *session = known ? sessionOf(ssl) : nullptr;
  return !known || *session != nullptr;
}

std::string reason() {
  const unsigned long code = ERR_peek_error();
  const char* text = code == 0 ? nullptr : ERR_reason_error_string(code);
  return text ? text : "unknown";
}

}  // namespace

Result<std::unique_ptr<TlsContext>> TlsContext::make(const TlsKey& key) {
  std::unique_ptr<TlsContext> made(new TlsContext(SSL_CTX_new(TLS_method()), key));
  SSL_CTX* context = made->get();
  if (!context || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") != 1 || SSL_CTX_set_num_tickets(context, 0) != 1) {
    const Status failed(StatusCode::kUnsupported, "OpenSSL has no TLS 1.3 with AES-128-GCM here: " + reason());
    ERR_clear_error();
    return failed;
  }
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, kReadAheadBytes);
  SSL_CTX_set_app_data(context, made.get());
  SSL_CTX_set_psk_use_session_callback(context, offerKey);
  SSL_CTX_set_psk_find_session_callback(context, findKey);
  return made;
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
  OPENSSL_cleanse(key_.data(), key_.size());
}

TlsStream::TlsStream(const TlsContext& context, int fd, TlsSide side, uint64_t recordsPerKey)
    : ssl_(SSL_new(context.get())), side_(side), recordsPerKey_(recordsPerKey) {
  BIO* bio = BIO_new(rawMethod());
  if (!ssl_ || !bio) std::abort();  // out of memory
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<intptr_t>(fd)));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  if (side == TlsSide::kCaller) {
    SSL_set_connect_state(ssl_);
    SSL_set_verify(ssl_, SSL_VERIFY_PEER, nullptr);  // who has a certificate, but not the key, is refused
  } else {
    SSL_set_accept_state(ssl_);
  }
}

TlsStream::~TlsStream() {
  SSL_free(ssl_);
}

Result<TlsStream::Step> TlsStream::shakeHands() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) {
    established_ = SSL_session_reused(ssl_) == 1;
    if (established_) return Step::kDone;
    return Status(StatusCode::kHandshake, "TLS without the job's key");
  }
  const int error = SSL_get_error(ssl_, result);
  if (error == SSL_ERROR_WANT_READ) return Step::kNeedsInput;
  if (error == SSL_ERROR_WANT_WRITE) return Step::kNeedsRoom;
  return failure(result);
}

Result<size_t> TlsStream::trySend(std::span<const std::byte> bytes) {
  size_t sent = 0;
  while (sent < bytes.size()) {
    const auto part = bytes.subspan(sent, std::min(kTlsRecordBytes, bytes.size() - sent));
    if (part.size() < unfinished_) return Status(StatusCode::kInternal, "less to send than before");
    if (Status s = changeKey(); !s.ok()) return s;
    ERR_clear_error();
    size_t written = 0;
    const int result = SSL_write_ex(ssl_, part.data(), part.size(), &written);
    if (result != 1) {
      const int error = SSL_get_error(ssl_, result);
      if (error != SSL_ERROR_WANT_WRITE && error != SSL_ERROR_WANT_READ) return failure(result);
      unfinished_ = part.size();
      return sent;
    }
    unfinished_ = 0;
    ++records_;
    sent += written;
  }
  return sent;
}

Result<size_t> TlsStream::tryReceive(std::span<std::byte> bytes) {
  if (!failed_.ok()) return failed_;
  size_t got = 0;
  while (got < bytes.size()) {
    ERR_clear_error();
    size_t read = 0;
    const int result = SSL_read_ex(ssl_, bytes.data() + got, bytes.size() - got, &read);
    got += read;
    established_ = established_ || result == 1;
    if (result == 1) continue;
    holdsBytes_ = false;
    const int error = SSL_get_error(ssl_, result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return got;
    failed_ = failure(result);
    holdsBytes_ = got > 0;  // the failure
    if (got == 0) return failed_;
    return got;
  }
  holdsBytes_ = SSL_has_pending(ssl_) == 1;
  return got;
}

// Before a new record. What the other side sends keeps its own key, of which it takes care.
Status TlsStream::changeKey() {
  if (records_ < recordsPerKey_ || unfinished_ > 0) return Status::okay();
  records_ = 0;
  ERR_clear_error();
  const int result = SSL_key_update(ssl_, SSL_KEY_UPDATE_NOT_REQUESTED);
  return result == 1 ? Status::okay() : failure(result);
}

Status TlsStream::failure(int result) {
  const int error = SSL_get_error(ssl_, result);
  const int system = errno;
  std::string why = reason();
  ERR_clear_error();
  if (error == SSL_ERROR_ZERO_RETURN) {
    ended_ = true;
    return Status(StatusCode::kPeerLost, "the connection was closed");
  }
  if (error == SSL_ERROR_SYSCALL)
    return statusFromErrno(StatusCode::kInternal, "TLS over the connection failed", system);
  if (!established_) {
    const std::string_view cause = side_ == TlsSide::kCaller ? "; another job's secret or job id?" : "";
    return Status(StatusCode::kHandshake, "TLS: " + why + std::string(cause));
  }
  return Status(StatusCode::kCorrupt,
                "what came was not what was sent (TLS: " + why + "); somebody or something changes it on its way");
}

}  // namespace tsring
