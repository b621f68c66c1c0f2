/// What the pipeline does.
public enum Status: Equatable, Sendable {
    /// There is no model.
    case empty
    /// A model is being opened.
    case loading
    /// Frames are welcome.
    case running
    /// Frames are refused until somebody calls `resume`.
    case paused
    /// Opening or running failed in the way that is told; `retry` or another model goes on.
    case failed(String)
}

/// What became of an offered frame.
public enum Offer: Equatable, Sendable {
    /// It goes through the network.
    case taken
    /// The network wants fewer frames a second than the camera gives.
    case early
    /// It was due, but inference is behind: dropped.
    case behind
    /// The pipeline is not running.
    case refused
}

/// One performance of a gesture; the end is nil while it lasts. Streams begin anew, so that the times of frames, in
/// milliseconds, cannot be compared between two gestures; those of the pipeline's clock, in nanoseconds, can.
public struct Gesture: Equatable, Sendable {
    /// Counts the gestures of a model.
    public let number: Int
    public let label: Int
    public let beginMs: Int
    public let beganNs: UInt64
    public let confidence: Double
    public internal(set) var endMs: Int?
    public internal(set) var endedNs: UInt64?

    init(number: Int, label: Int, beginMs: Int, beganNs: UInt64, confidence: Double) {
        self.number = number
        self.label = label
        self.beginMs = beginMs
        self.beganNs = beganNs
        self.confidence = confidence
    }
}

/// Frames since the model was opened.
public struct Counts: Equatable, Sendable {
    /// By the camera, while the pipeline was running.
    public internal(set) var offered = 0
    /// Not taken for the network's rate.
    public internal(set) var early = 0
    /// Since inference was behind.
    public internal(set) var dropped = 0
    public internal(set) var processed = 0
    /// Due times for which no frame came or was taken.
    public internal(set) var missed = 0

    public init() {}
}

/// All that a screen shows, at one moment. It never changes.
public struct PipelineState: Equatable, Sendable {
    /// Grows whenever something changed.
    public internal(set) var revision = 0
    public internal(set) var status = Status.empty
    public internal(set) var runtime: String?
    /// Index = class id.
    public internal(set) var labels: [String] = []
    /// Smoothed scores of the last frame, one a class (0 to 1); none before the first frame of a stream.
    public internal(set) var scores: [Double] = []
    /// The last gestures, newest first.
    public internal(set) var history: [Gesture] = []
    /// Of the last frame.
    public internal(set) var timeMs = 0
    /// Of the pipeline's clock, when this was looked at.
    public internal(set) var nowNs: UInt64 = 0
    public internal(set) var warning: RateWarning?
    public internal(set) var timings: [Stage: Percentiles] = [:]
    public internal(set) var counts = Counts()
    /// Frames a second that were offered and processed, over the last seconds.
    public internal(set) var cameraRate = 0.0
    public internal(set) var networkRate = 0.0

    public init() {}

    /// The gesture that lasts.
    public var active: Gesture? {
        history.first.flatMap { $0.endMs == nil ? $0 : nil }
    }
}
