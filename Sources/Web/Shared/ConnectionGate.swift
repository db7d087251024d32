import HTTPTypes
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTPTypes

/// How long a client may take over its request, and how many may be at it at a time.
public struct RequestPatience: Sendable, Hashable {
  /// From the connection to the end of the first request's head.
  public var head = Duration.seconds(20)
  /// From there to the end of its body.
  public var body = Duration.seconds(60)
  /// From an answer to the end of the next request's head.
  public var pause = Duration.seconds(75)
  /// Connections that wait for a request to be whole; where one more comes, the one that waits longest is closed.
  public var waiting = 120

  public init() {}
}

/// The connections of one listener whose request is not whole yet.
///
/// A client that drips, or only connects, is never idle long enough to be closed for that, and a few hundred of them would keep
/// all others out. So a request has a time limit as a whole, and where many wait the oldest makes room: one that means
/// it has sent its request within milliseconds.
final class ConnectionGate: Sendable {
  let patience: RequestPatience
  private let waiting = NIOLockedValueBox<[ObjectIdentifier: Waiting]>([:])

  private struct Waiting {
    let since: NIODeadline
    let channel: any Channel
  }

  init(_ patience: RequestPatience) { self.patience = patience }

  fileprivate func add(_ channel: any Channel) {
    let oldest: (any Channel)? = waiting.withLockedValue { waiting in
      waiting[ObjectIdentifier(channel)] = Waiting(since: .now(), channel: channel)
      guard waiting.count > patience.waiting, let oldest = waiting.min(by: { $0.value.since < $1.value.since })
      else { return nil }
      waiting[oldest.key] = nil
      return oldest.value.channel
    }
    oldest?.close(promise: nil)
  }

  fileprivate func remove(_ channel: any Channel) {
    waiting.withLockedValue { $0[ObjectIdentifier(channel)] = nil }
  }
}

/// Closes its connection where a request does not come whole in time.
final class PromptRequests: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private let gate: ConnectionGate
  private var limit: Scheduled<Void>?
  private var isAnswering = false

  init(_ gate: ConnectionGate) { self.gate = gate }

  func handlerAdded(context: ChannelHandlerContext) {
    gate.add(context.channel)
    wait(gate.patience.head, context)
  }

  func handlerRemoved(context: ChannelHandlerContext) { end(context) }

  func channelInactive(context: ChannelHandlerContext) {
    end(context)
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head:
      isAnswering = false
      wait(gate.patience.body, context)
    case .body: break
    case .end:
      isAnswering = true
      end(context)
    }
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if case .end = unwrapOutboundIn(data), isAnswering {
      isAnswering = false
      gate.add(context.channel)
      wait(gate.patience.pause, context)
    }
    context.write(data, promise: promise)
  }

  private func wait(_ time: Duration, _ context: ChannelHandlerContext) {
    limit?.cancel()
    let channel = context.channel
    limit = context.eventLoop.scheduleTask(in: TimeAmount(time)) { channel.close(promise: nil) }
  }

  private func end(_ context: ChannelHandlerContext) {
    limit?.cancel()
    limit = nil
    gate.remove(context.channel)
  }
}
