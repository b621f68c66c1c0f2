import Dispatch

/// Does one piece of work after the other, in the order in which they come.
public protocol WorkExecutor: AnyObject {
    func execute(_ work: @escaping () -> Void)
}

/// A serial queue of its own.
public final class WorkerQueue: WorkExecutor {
    private let queue: DispatchQueue

    public init(name: String = "inference") {
        queue = DispatchQueue(label: name, qos: .userInitiated)
    }

    public func execute(_ work: @escaping () -> Void) {
        queue.async(execute: DispatchWorkItem(block: work))
    }
}
