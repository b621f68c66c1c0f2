/// What a frame source tells besides frames.
public enum SourceStatus: Equatable, Sendable {
    case stopped
    case running
    /// Another app or a call has the camera; it comes back by itself.
    case interrupted
    /// The person refused the camera; only Settings can change it.
    case refused
    case failed(String)
}

/// A camera or a video: frames on a queue of its own, in the order in which they were taken.
public protocol FrameSource: AnyObject {
    /// Called for each frame, not on the main thread.
    var onFrame: ((CameraFrame) -> Void)? { get set }
    var onStatus: ((SourceStatus) -> Void)? { get set }

    func start()
    func stop()
}
