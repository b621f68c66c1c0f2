// What the app uses of SwiftUI and of Core Transferable. Layout, state and drawing are Apple's: nothing here does anything.
@_exported import Foundation
@_exported import UIKit

@MainActor @preconcurrency public protocol View {
    associatedtype Body: View
    @ViewBuilder @MainActor @preconcurrency var body: Body { get }
}
extension Never: View { public var body: Never { fatalError() } }
public protocol Primitive: View where Body == Never {}
extension Primitive { public var body: Never { fatalError() } }
extension Optional: View where Wrapped: View { public var body: Never { fatalError() } }
public struct Pair<First: View, Second: View>: Primitive {}
public struct Either<First: View, Second: View>: Primitive {}
public struct EmptyView: Primitive { public nonisolated init() {} }
@resultBuilder public enum ViewBuilder {
    public static func buildBlock() -> EmptyView { EmptyView() }
    public static func buildBlock<C: View>(_ content: C) -> C { content }
    public static func buildBlock<each C: View>(_ content: repeat each C) -> Several<repeat each C> { Several() }
    public static func buildExpression<C: View>(_ content: C) -> C { content }
    public static func buildIf<C: View>(_ content: C?) -> C? { content }
    public static func buildEither<A: View, B: View>(first: A) -> Either<A, B> { Either() }
    public static func buildEither<A: View, B: View>(second: B) -> Either<A, B> { Either() }
}
public struct Several<each C: View>: Primitive { nonisolated init() {} }

@MainActor @preconcurrency public protocol App {
    associatedtype Body: Scene
    init()
    @SceneBuilder @MainActor @preconcurrency var body: Body { get }
}
extension App { public static func main() {} }
@MainActor @preconcurrency public protocol Scene {}
@resultBuilder public enum SceneBuilder {
    public static func buildBlock<C: Scene>(_ content: C) -> C { content }
}
public struct WindowGroup<Content: View>: Scene { public init(@ViewBuilder content: () -> Content) {} }

public protocol ObservableObject: AnyObject {}
@propertyWrapper public struct Published<Value> {
    public init(wrappedValue: Value) { self.wrappedValue = wrappedValue }
    public var wrappedValue: Value
}
@propertyWrapper public struct State<Value> {
    public init(wrappedValue: Value) {}
    public var wrappedValue: Value {
        get { fatalError() }
        nonmutating set {}
    }
    public var projectedValue: Binding<Value> { fatalError() }
}
extension State where Value: ExpressibleByNilLiteral { public init() {} }
@MainActor @preconcurrency @propertyWrapper public struct StateObject<Object: ObservableObject> {
    public nonisolated init(wrappedValue: @autoclosure @escaping () -> Object) {}
    public var wrappedValue: Object { fatalError() }
}
@MainActor @preconcurrency @propertyWrapper public struct ObservedObject<Object: ObservableObject> {
    public init(wrappedValue: Object) { self.wrappedValue = wrappedValue }
    public var wrappedValue: Object
    public var projectedValue: ObservedBindings<Object> { fatalError() }
}
@MainActor @preconcurrency @dynamicMemberLookup public struct ObservedBindings<Object: ObservableObject> {
    public subscript<Value>(dynamicMember path: ReferenceWritableKeyPath<Object, Value>) -> Binding<Value> {
        fatalError()
    }
}
@propertyWrapper public struct Binding<Value> {
    @preconcurrency public init(
        get: @escaping @isolated(any) @Sendable () -> Value, set: @escaping @isolated(any) @Sendable (Value) -> Void
    ) {}
    public var wrappedValue: Value {
        get { fatalError() }
        nonmutating set {}
    }
}
@propertyWrapper public struct Environment<Value> {
    public init(_ path: KeyPath<EnvironmentValues, Value>) {}
    public var wrappedValue: Value { fatalError() }
}
public enum ScenePhase: Sendable { case background, inactive, active }
public enum UserInterfaceSizeClass: Sendable { case compact, regular }
@MainActor public struct OpenURLAction { public func callAsFunction(_ url: URL) {} }
public struct EnvironmentValues {
    public var scenePhase: ScenePhase { .active }
    public var verticalSizeClass: UserInterfaceSizeClass? { nil }
    public var openURL: OpenURLAction { fatalError() }
}

public struct Text: Primitive {
    public init<S: StringProtocol>(_ text: S) {}
    public func font(_ font: Font?) -> Text { self }
}
public struct Font: Sendable {
    public static let largeTitle = Font(), caption = Font(), caption2 = Font()
    public func bold() -> Font { self }
    public func monospacedDigit() -> Font { self }
}
public struct Label: Primitive { public init<S: StringProtocol>(_ title: S, systemImage: String) {} }
public struct Button: Primitive {
    public init<S: StringProtocol>(_ title: S, action: @escaping @MainActor () -> Void) {}
    public init<S: StringProtocol>(_ title: S, systemImage: String, action: @escaping @MainActor () -> Void) {}
}
public enum HorizontalAlignment { case leading, center }
public struct VStack<Content: View>: Primitive {
    public init(
        alignment: HorizontalAlignment = .center, spacing: CGFloat? = nil, @ViewBuilder content: () -> Content
    ) {}
}
public struct HStack<Content: View>: Primitive {
    public init(spacing: CGFloat? = nil, @ViewBuilder content: () -> Content) {}
}
public enum Axis { public enum Set { case horizontal, vertical } }
public struct ScrollView<Content: View>: Primitive {
    public init(_ axes: Axis.Set = .vertical, @ViewBuilder content: () -> Content) {}
}
public struct Section<Content: View>: Primitive {
    public init<S: StringProtocol>(_ title: S, @ViewBuilder content: () -> Content) {}
}
public struct Menu<Content: View, L: View>: Primitive {
    public init(@ViewBuilder content: () -> Content, @ViewBuilder label: () -> L) {}
}
public struct Picker<Content: View, Value: Hashable>: Primitive {
    public init<S: StringProtocol>(_ title: S, selection: Binding<Value>, @ViewBuilder content: () -> Content) {}
}
public struct ForEach<Data: RandomAccessCollection, Content: View>: Primitive {
    public init(_ data: Data, @ViewBuilder content: @escaping (Data.Element) -> Content)
    where Data.Element: Identifiable {}
    public init<ID: Hashable>(
        _ data: Data, id: KeyPath<Data.Element, ID>, @ViewBuilder content: @escaping (Data.Element) -> Content
    ) {}
}
public struct ProgressView<L: View>: Primitive {
    public init<V: BinaryFloatingPoint>(value: V?, total: V = 1, @ViewBuilder label: () -> L) {}
}
public struct LabeledContent: Primitive {
    public init<S: StringProtocol, T: StringProtocol>(_ title: S, value: T) {}
}
public struct ContentUnavailableView: Primitive {
    public init<S: StringProtocol>(_ title: S, systemImage: String) {}
}
public protocol ShapeStyle: Sendable {}
public struct Color: Primitive, ShapeStyle {
    public static let black = Color(), accentColor = Color(), secondary = Color()
    nonisolated init() {}
    public nonisolated func opacity(_ share: Double) -> Color { self }
}
public struct Material: ShapeStyle {}
extension ShapeStyle where Self == Material { public static var thinMaterial: Material { Material() } }
public struct HierarchicalShapeStyle: ShapeStyle {}
extension ShapeStyle where Self == HierarchicalShapeStyle {
    public static var primary: HierarchicalShapeStyle { HierarchicalShapeStyle() }
    public static var secondary: HierarchicalShapeStyle { HierarchicalShapeStyle() }
}
public protocol InsettableShape {}
public struct RoundedRectangle: InsettableShape { public init(cornerRadius: CGFloat) {} }
public protocol Layout {}
public struct HStackLayout: Layout { public init(spacing: CGFloat? = nil) {} }
public struct VStackLayout: Layout { public init(spacing: CGFloat? = nil) {} }
@MainActor public struct AnyLayout {
    public init<L: Layout>(_ layout: L) {}
    public func callAsFunction<V: View>(@ViewBuilder _ content: () -> V) -> Modified { Modified() }
}

public struct Modified: Primitive { nonisolated init() {} }
public protocol LabelStyle {}
public struct IconOnlyLabelStyle: LabelStyle {}
extension LabelStyle where Self == IconOnlyLabelStyle { public static var iconOnly: Self { fatalError() } }
public protocol PrimitiveButtonStyle {}
public struct BorderedButtonStyle: PrimitiveButtonStyle {}
extension PrimitiveButtonStyle where Self == BorderedButtonStyle { public static var bordered: Self { fatalError() } }
public protocol PickerStyle {}
public struct MenuPickerStyle: PickerStyle {}
extension PickerStyle where Self == MenuPickerStyle { public static var menu: Self { fatalError() } }
public enum AccessibilityTraits { case isImage }
public enum AccessibilityChildBehavior { case ignore, contain, combine }
public enum Alignment { case top, center }
@MainActor @preconcurrency public protocol ViewModifier {
    associatedtype Body: View
    typealias Content = Modified
    @ViewBuilder func body(content: Content) -> Body
}
extension View {
    public func padding(_ length: CGFloat? = nil) -> Modified { Modified() }
    public func font(_ font: Font?) -> Modified { Modified() }
    public func foregroundStyle<S: ShapeStyle>(_ style: S) -> Modified { Modified() }
    public func background<S: ShapeStyle, T: InsettableShape>(_ style: S, in shape: T) -> Modified { Modified() }
    public func overlay<V: View>(alignment: Alignment, @ViewBuilder content: () -> V) -> Modified { Modified() }
    public func tag<V: Hashable>(_ tag: V) -> Modified { Modified() }
    public func labelStyle<S: LabelStyle>(_ style: S) -> Modified { Modified() }
    public func buttonStyle<S: PrimitiveButtonStyle>(_ style: S) -> Modified { Modified() }
    public func pickerStyle<S: PickerStyle>(_ style: S) -> Modified { Modified() }
    public func modifier<M: ViewModifier>(_ modifier: M) -> Modified { Modified() }
    public func task(_ action: @escaping @MainActor @Sendable () async -> Void) -> Modified { Modified() }
    public func onChange<V: Equatable>(of value: V, initial: Bool = false, _ action: @escaping () -> Void) -> Modified {
        Modified()
    }
    public func onChange<V: Equatable>(
        of value: V, initial: Bool = false, _ action: @escaping (V, V) -> Void
    ) -> Modified { Modified() }
    public func alert<S: StringProtocol, A: View>(
        _ title: S, isPresented: Binding<Bool>, @ViewBuilder actions: () -> A
    ) -> Modified { Modified() }
    public func accessibilityLabel<S: StringProtocol>(_ label: S) -> Modified { Modified() }
    public func accessibilityValue<S: StringProtocol>(_ value: S) -> Modified { Modified() }
    public func accessibilityHidden(_ isHidden: Bool) -> Modified { Modified() }
    public func accessibilityElement(children: AccessibilityChildBehavior = .ignore) -> Modified { Modified() }
    public func accessibilityAddTraits(_ traits: AccessibilityTraits) -> Modified { Modified() }
}
public enum AccessibilityNotification {
    public struct Announcement {
        public init<S: StringProtocol>(_ text: S) {}
        public func post() {}
    }
}

public struct UIViewRepresentableContext<Representable: UIViewRepresentable> {
    @MainActor public var coordinator: Representable.Coordinator { fatalError() }
}
@MainActor @preconcurrency public protocol UIViewRepresentable: View where Body == Never {
    associatedtype UIViewType: UIView
    associatedtype Coordinator = Void
    typealias Context = UIViewRepresentableContext<Self>
    func makeUIView(context: Context) -> UIViewType
    func updateUIView(_ view: UIViewType, context: Context)
    func makeCoordinator() -> Coordinator
}
extension UIViewRepresentable { public var body: Never { fatalError() } }
extension UIViewRepresentable where Coordinator == Void { public func makeCoordinator() {} }

public protocol TransferRepresentation: Sendable {}
@resultBuilder public enum TransferRepresentationBuilder {
    public static func buildBlock<C: TransferRepresentation>(_ content: C) -> C { content }
}
public protocol Transferable {
    associatedtype Representation: TransferRepresentation
    @TransferRepresentationBuilder static var transferRepresentation: Representation { get }
}
public enum UTType: Sendable { case movie }
public struct ReceivedTransferredFile: Sendable { public let file: URL }
public struct FileRepresentation<Item: Transferable>: TransferRepresentation {
    public init(
        importedContentType: UTType, shouldAttemptToOpenInPlace: Bool = false,
        importing: @escaping @Sendable (ReceivedTransferredFile) async throws -> Item
    ) {}
}
