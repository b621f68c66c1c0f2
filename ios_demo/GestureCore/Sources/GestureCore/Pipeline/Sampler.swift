/// Picks the frames for a network that wants `rate` a second: for each due time, the first that is not before it.
///
/// The first frame is due, and the due times count from it, so that a late frame does not delay those after it.
public struct Sampler {
    private let rate: Double
    private var origin: Int?
    private var step = 0
    /// Due times that had no frame of their own.
    public private(set) var missed = 0

    public init(rate: Double) {
        self.rate = rate
    }

    /// The next frame is a first one.
    public mutating func reset() {
        origin = nil
        step = 0
    }

    /// Whether a frame of this time is for the network.
    public func isDue(_ timeMs: Int) -> Bool {
        guard let origin else { return true }
        return timeMs - origin >= due(step)
    }

    /// Gives a due frame to the network.
    public mutating func take(_ timeMs: Int) {
        precondition(isDue(timeMs))
        let since = timeMs - (origin ?? timeMs)
        origin = origin ?? timeMs
        var following = max(step + 1, Int((Double(since) * rate / 1000).rounded(.down)))
        while due(following) <= since {
            following += 1
        }
        missed += following - step - 1
        step = following
    }

    private func due(_ step: Int) -> Int {
        Int((1000 * (Double(step) / rate) + 0.5).rounded(.down))
    }
}
