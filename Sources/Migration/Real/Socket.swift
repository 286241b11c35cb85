import Glibc
import Machine

/// Sends and receives whole pieces over a stream socket, without SIGPIPE.
enum Socket {
  /// Sends all bytes. Returns 0 or an errno.
  static func send(_ socket: Int32, _ bytes: UnsafeRawBufferPointer) -> Int32 {
    var sent = 0
    while sent < bytes.count {
      let count = retryingInterrupted {
        Glibc.send(socket, bytes.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return count == 0 ? EPIPE : errno }
      sent += count
    }
    return 0
  }

  /// Sends all pieces, shortening them if it takes several calls. Returns 0 or an errno.
  static func send(_ socket: Int32, _ pieces: UnsafeMutableBufferPointer<iovec>) -> Int32 {
    var message = msghdr()
    message.msg_iov = pieces.baseAddress
    message.msg_iovlen = pieces.count
    while message.msg_iovlen > 0 {
      let count = retryingInterrupted { sendmsg(socket, &message, Int32(MSG_NOSIGNAL)) }
      guard count >= 0 else { return errno }
      var left = count
      while message.msg_iovlen > 0, let piece = message.msg_iov, left >= piece.pointee.iov_len {
        left -= piece.pointee.iov_len
        message.msg_iov = piece + 1
        message.msg_iovlen -= 1
      }
      if left > 0, let piece = message.msg_iov {
        piece.pointee.iov_base = piece.pointee.iov_base.map { $0 + left }
        piece.pointee.iov_len -= left
      }
    }
    return 0
  }

  /// Receives exactly this many bytes. Returns 0 or an errno; EPIPE if the other end is closed.
  static func receive(_ socket: Int32, _ bytes: UnsafeMutableRawBufferPointer) -> Int32 {
    var got = 0
    while got < bytes.count {
      let count = retryingInterrupted { recv(socket, bytes.baseAddress! + got, bytes.count - got, 0) }
      guard count > 0 else { return count == 0 ? EPIPE : errno }
      got += count
    }
    return 0
  }
}
