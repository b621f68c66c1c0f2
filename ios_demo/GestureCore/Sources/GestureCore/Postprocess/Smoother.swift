/// Logits -> scores between 0 and 1: a softmax, then exponential smoothing in time.
public final class Smoother {
    private let temperature: Double
    private let tauMs: Int
    /// Of the last frame, one a class; nil before the first.
    public private(set) var scores: [Double]?

    public init(temperature: Double, tauMs: Int) {
        self.temperature = temperature
        self.tauMs = tauMs
    }

    /// The next frame is a first one.
    public func reset() {
        scores = nil
    }

    /// Scores of a frame that comes `intervalMs` after the frame before it.
    @discardableResult
    public func step(_ logits: [Double], intervalMs: Int) -> [Double] {
        let largest = logits.max() ?? 0
        let shares = logits.map { exponential(($0 - largest) / temperature) }
        let total = shares.reduce(0, +)
        guard let before = scores else {
            let first = shares.map { $0 / total }
            scores = first
            return first
        }
        let weight = tauMs == 0 ? 1 : 1 - exponential(-Double(intervalMs) / Double(tauMs))
        let smoothed = zip(before, shares).map { old, share in old + weight * (share / total - old) }
        scores = smoothed
        return smoothed
    }
}
