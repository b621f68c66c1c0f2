/// The stream's frame rate is outside of what the thresholds were fitted for: gestures may be missed or doubled.
public struct RateWarning: Equatable, Sendable {
    public let framesPerSecond: Double
    public let least: Double
    public let greatest: Double

    public init(framesPerSecond: Double, least: Double, greatest: Double) {
        self.framesPerSecond = framesPerSecond
        self.least = least
        self.greatest = greatest
    }
}

/// Says when the median of the last 9 intervals between frames leaves a range of frame rates.
struct RateWatch {
    private static let count = 9
    private let least: Double
    private let greatest: Double
    private var intervals: [Int] = []

    init(_ thresholds: Thresholds) {
        least = thresholds.framesPerSecond[0]
        greatest = thresholds.framesPerSecond[1]
    }

    mutating func step(_ intervalMs: Int) {
        intervals = (intervals + [intervalMs]).suffix(Self.count)
    }

    /// Nil while the rate is right or not known yet.
    var warning: RateWarning? {
        guard intervals.count == Self.count else { return nil }
        let median = Double(intervals.sorted()[Self.count / 2])
        if least * median <= 1000, 1000 <= greatest * median { return nil }
        return RateWarning(framesPerSecond: 1000 / median, least: least, greatest: greatest)
    }
}
