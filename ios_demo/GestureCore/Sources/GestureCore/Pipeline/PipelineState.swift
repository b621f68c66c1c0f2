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

/// A class and its smoothed score (0 to 1).
public struct Score: Equatable, Sendable {
    public let label: Int
    public let score: Double

    public init(label: Int, score: Double) {
        self.label = label
        self.score = score
    }

    /// The best classes, best first, of equal ones the first.
    public static func best(_ count: Int, of scores: [Double]) -> [Score] {
        let order = scores.indices.sorted { (scores[$0], $1) > (scores[$1], $0) }
        return order.prefix(count).map { Score(label: $0, score: scores[$0]) }
    }
}

/// One performance of a gesture; `endMs` is nil while it lasts. Times are those of the frames, in milliseconds.
public struct Gesture: Equatable, Sendable {
    /// Counts the gestures of a model; times begin anew with each stream.
    public let number: Int
    public let label: Int
    public let beginMs: Int
    public let confidence: Double
    public internal(set) var endMs: Int?

    public init(number: Int, label: Int, beginMs: Int, confidence: Double, endMs: Int? = nil) {
        self.number = number
        self.label = label
        self.beginMs = beginMs
        self.confidence = confidence
        self.endMs = endMs
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
    /// The best classes, best first.
    public internal(set) var top: [Score] = []
    /// The last gestures, newest first.
    public internal(set) var history: [Gesture] = []
    /// Of the last frame.
    public internal(set) var timeMs = 0
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
