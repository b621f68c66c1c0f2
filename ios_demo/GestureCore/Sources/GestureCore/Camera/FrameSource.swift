import Foundation

/// Why a camera gives no frames for a while, although it may be used.
public enum Interruption: Equatable, Sendable {
    /// Another app or a call has it.
    case inUse
    /// Several apps share the screen.
    case severalApps
    /// The phone protects itself from heat.
    case pressure
    case other
}

/// What a frame source tells besides frames.
public enum SourceStatus: Equatable, Sendable {
    case stopped
    case running
    /// It comes back by itself.
    case interrupted(Interruption)
    /// The person refused the camera; only Settings can change it.
    case refused
    case failed(String)
}

/// A camera or a video: frames on a queue of its own, in the order in which they were taken.
public protocol FrameSource: AnyObject {
    func start()
    func stop()

    /// The phone is hot or low on power: no more frames a second than this; nil for the usual rate.
    func limit(framesPerSecond: Double?)
}

/// Where a source's frames and news go. Once `close` has returned nothing comes through any more, and nothing is on its
/// way through: it waits for a frame that another thread delivers. Any thread.
public final class SourceOutlet: @unchecked Sendable {
    private let onFrame: (CameraFrame) -> Void
    private let onStatus: (SourceStatus) -> Void
    /// Recursive, since what is delivered may close the outlet.
    private let lock = NSRecursiveLock()
    private var isOpen = true

    public init(onFrame: @escaping (CameraFrame) -> Void, onStatus: @escaping (SourceStatus) -> Void) {
        self.onFrame = onFrame
        self.onStatus = onStatus
    }

    public func frame(_ frame: CameraFrame) {
        deliver { onFrame(frame) }
    }

    public func status(_ status: SourceStatus) {
        deliver { onStatus(status) }
    }

    public func close() {
        lock.withLock { isOpen = false }
    }

    private func deliver(_ work: () -> Void) {
        lock.withLock {
            if isOpen { work() }
        }
    }
}
