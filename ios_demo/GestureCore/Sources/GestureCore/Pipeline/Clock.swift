import Dispatch

/// Nanoseconds that never go back.
public protocol MonotonicClock: AnyObject {
    func nanoseconds() -> UInt64
}

public final class SystemClock: MonotonicClock {
    public init() {}

    public func nanoseconds() -> UInt64 {
        DispatchTime.now().uptimeNanoseconds
    }
}
