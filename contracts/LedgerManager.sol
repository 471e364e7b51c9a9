// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {ServiceRegistry} from "./base/ServiceRegistry.sol";
import {UserProviders} from "./base/UserProviders.sol";
import {ILedgerAdditions} from "./interfaces/ILedgerAdditions.sol";
import {ILedgerManager} from "./interfaces/ILedgerManager.sol";
import {IServing} from "./interfaces/IServing.sol";
import {IServingFunds} from "./interfaces/IServingFunds.sol";
import {CappedCall} from "./libraries/CappedCall.sol";

/// @title The ledger: one balance per user, from which sub-accounts with providers are filled.
/// @dev Storage, beside the registry's and the provider lists':
///
/// | word                 | bits                                                        |
/// |----------------------|-------------------------------------------------------------|
/// | `_records[user]`     | open 1, available 95, next user in the list 160             |
/// | `_list`              | newest user 160, length 96 (closed ledgers stay in the list) |
/// | `_additionalInfo`    | only written when not empty                                  |
///
/// The ledger holds exactly the sum of `available`. It credits only `msg.value`, and of a service only what
/// that service sent while it was being collected from.
contract LedgerManager is IERC165, ILedgerManager, ILedgerAdditions, ServiceRegistry, UserProviders {
    using SafeCast for uint256;

    struct Record {
        uint96 balance;
        address next;
    }

    struct List {
        address newest;
        uint96 length;
    }

    uint256 public constant MAX_PROVIDERS_PER_BATCH = 20;
    uint256 public constant MAX_ADDITIONAL_INFO_LENGTH = 4096;
    /// @dev No minimums: the smallest amount that is not nothing.
    uint256 public constant MIN_ACCOUNT_BALANCE = 1;
    uint256 public constant MIN_TRANSFER_AMOUNT = 1;
    bool public constant initialized = true;

    uint256 private constant DEFAULT_PAGE = 50;

    mapping(address user => Record) private _records;
    List private _list;
    mapping(address user => string) private _additionalInfo;

    bool private transient _busy;
    address private transient _collectingFrom;
    uint256 private transient _collected;

    /// @dev One operation at a time: a service or a payee that calls back finds the ledger locked.
    modifier exclusive() {
        if (_busy) revert LedgerLocked();
        _busy = true;
        _;
        _busy = false;
    }

    /// @param initialOwner Registers services; zero address for none, ever.
    constructor(address initialOwner) Ownable(msg.sender) {
        _transferOwnership(initialOwner);
        emit Initialized(1);
    }

    /// @dev Accepts what the service that is being collected from sends, and nothing else.
    receive() external payable {
        if (msg.sender != _collectingFrom) revert DirectDepositsDisabled();
        _collected += msg.value;
    }

    /// @notice There is no proxy: the constructor did it.
    function initialize(address owner) external {
        revert AlreadyInitialized();
    }

    /* DEPOSITS */

    /// @inheritdoc ILedgerManager
    function addLedger(string memory additionalInfo) external payable exclusive returns (uint256, uint256) {
        if (msg.value < MIN_ACCOUNT_BALANCE) revert MinimumDepositRequired(msg.value, MIN_ACCOUNT_BALANCE);
        _checkInfo(additionalInfo);
        if (_isOpen(_records[msg.sender])) revert LedgerExists(msg.sender);

        _credit(msg.sender);
        _setInfo(msg.sender, additionalInfo);
        return (msg.value, 0);
    }

    /// @inheritdoc ILedgerManager
    function updateAdditionalInfo(string memory additionalInfo) external exclusive {
        _checkInfo(additionalInfo);
        _requireOpen(msg.sender);

        _setInfo(msg.sender, additionalInfo);
        emit LedgerInfoUpdated(msg.sender, additionalInfo);
    }

    /// @inheritdoc ILedgerManager
    function depositFund() external payable exclusive {
        if (msg.value == 0) revert ZeroAmountNotAllowed();
        _credit(msg.sender);
    }

    /// @inheritdoc ILedgerManager
    function depositFundFor(address recipient) external payable exclusive {
        if (recipient == address(0)) revert ZeroAddressNotAllowed();
        if (msg.value == 0) revert ZeroAmountNotAllowed();
        _credit(recipient);
    }

    /* WITHDRAWALS */

    /// @inheritdoc ILedgerManager
    function refund(uint256 amount) external {
        _debitForRefund(amount);
        _pay(amount);
    }

    /// @inheritdoc ILedgerManager
    function deleteLedger() external exclusive {
        Record storage record = _requireOpen(msg.sender);
        uint256 total = _availableIn(record) + _lockedOf(_services, msg.sender);
        if (total != 0) revert MustWithdrawAllFundsFirst(total);
        _close(msg.sender);
    }

    /* SUB-ACCOUNTS */

    /// @inheritdoc ILedgerManager
    function transferFund(address provider, string memory serviceName, uint256 amount) external exclusive {
        // Check
        Record storage record = _requireOpen(msg.sender);
        address service = _serviceNamed(serviceName);
        bool isNew = !IServing(service).accountExists(msg.sender, provider);
        if (isNew && amount < MIN_TRANSFER_AMOUNT) {
            revert MinimumDepositRequired(amount, MIN_TRANSFER_AMOUNT);
        }
        uint256 cancelled = isNew ? 0 : _min(amount, IServing(service).getPendingRefund(msg.sender, provider));
        uint256 moved = amount - cancelled;

        // Effect
        if (isNew) _listProvider(service, msg.sender, provider);
        _debit(record, moved);
        emit Transferred(msg.sender, service, provider, moved);

        // Interaction
        bytes memory data = isNew
            ? abi.encodeCall(IServing.addAccount, (msg.sender, provider, _additionalInfo[msg.sender]))
            : abi.encodeCall(IServing.depositFund, (msg.sender, provider, cancelled));
        (bool ok, bytes memory reason) = service.call{value: moved}(data);
        if (!ok) _bubble(reason);
    }

    /// @inheritdoc ILedgerManager
    function retrieveFund(address[] memory providers, string memory serviceName) external exclusive {
        if (providers.length > MAX_PROVIDERS_PER_BATCH) {
            revert TooManyProviders(providers.length, MAX_PROVIDERS_PER_BATCH);
        }
        address service = _serviceNamed(serviceName);
        Record storage record = _requireOpen(msg.sender);

        for (uint256 i; i < providers.length; ++i) {
            if (!IServing(service).accountExists(msg.sender, providers[i])) continue;
            _collect(record, service, providers[i]);
            IServing(service).requestRefundAll(msg.sender, providers[i]);
        }
    }

    /// @inheritdoc ILedgerAdditions
    function onboard(address service, address provider, address signer, uint256 amount)
        external
        payable
        exclusive
    {
        if (!_isRegistered(service)) revert ServiceNotFound(service);
        if (amount < MIN_TRANSFER_AMOUNT) revert MinimumDepositRequired(amount, MIN_TRANSFER_AMOUNT);
        if (msg.value != 0) _credit(msg.sender);
        _debit(_requireOpen(msg.sender), amount);
        emit Transferred(msg.sender, service, provider, amount);

        bool opened = IServingFunds(service).onboard{value: amount}(msg.sender, provider, signer);
        // After the call, whose answer it needs; the ledger is locked until the end.
        if (opened) _listProvider(service, msg.sender, provider);
    }

    /// @inheritdoc ILedgerAdditions
    function requestRefund(address service, address provider, uint256 amount) external exclusive {
        if (!_isRegistered(service)) revert ServiceNotFound(service);
        IServingFunds(service).requestRefund(msg.sender, provider, amount);
    }

    /// @inheritdoc ILedgerAdditions
    function leave() external {
        _pay(_collectEverything());
    }

    /// @inheritdoc ILedgerManager
    function spendFund(address user, uint256 amount) external {
        if (!_isRegistered(msg.sender)) revert CallerNotRegisteredService(msg.sender);
        emit FundSpent(user, msg.sender, amount);
    }

    /* VIEWS */

    /// @inheritdoc ILedgerManager
    function getLedger(address user) public view returns (Ledger memory) {
        uint256 available = _availableIn(_requireOpen(user));
        return Ledger(user, available, available + _lockedOf(_services, user), _additionalInfo[user]);
    }

    /// @inheritdoc ILedgerManager
    function getAllLedgers(uint256 offset, uint256 limit)
        external
        view
        returns (Ledger[] memory ledgers, uint256 total)
    {
        total = _list.length;
        if (offset >= total) return (ledgers, total);
        uint256 length = _min(limit == 0 ? DEFAULT_PAGE : limit, total - offset);

        address user = _list.newest;
        for (uint256 i; i < offset; ++i) {
            user = _records[user].next;
        }

        ledgers = new Ledger[](length);
        uint256 found;
        for (uint256 i; i < length; ++i) {
            if (_isOpen(_records[user])) ledgers[found++] = getLedger(user);
            user = _records[user].next;
        }
        assembly ("memory-safe") {
            mstore(ledgers, found) // found <= length: the array only gets shorter
        }
    }

    /// @inheritdoc ILedgerManager
    function getLedgerProviders(address user, string memory serviceName)
        external
        view
        returns (address[] memory)
    {
        return _providersOf(_serviceNamed(serviceName), user);
    }

    /// @inheritdoc ILedgerAdditions
    function providersOf(address user, address service) external view returns (address[] memory) {
        return _providersOf(service, user);
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) external pure returns (bool) {
        return interfaceId == type(IERC165).interfaceId || interfaceId == type(ILedgerAdditions).interfaceId;
    }

    /* INTERNALS */

    function _requireOpen(address user) private view returns (Record storage record) {
        record = _records[user];
        if (!_isOpen(record)) revert LedgerNotExists(user);
    }

    function _isOpen(Record storage record) private view returns (bool) {
        return record.balance & 1 != 0;
    }

    function _availableIn(Record storage record) private view returns (uint256) {
        return record.balance >> 1;
    }

    /// @dev The lowest bit says that the ledger is open. 2^95 neuron is 39 times the supply of 0G.
    function _setAvailable(Record storage record, uint256 amount) private {
        record.balance = ((amount << 1) | 1).toUint96();
    }

    function _checkInfo(string memory info) private pure {
        uint256 length = bytes(info).length;
        if (length > MAX_ADDITIONAL_INFO_LENGTH) {
            revert AdditionalInfoTooLong(length, MAX_ADDITIONAL_INFO_LENGTH);
        }
    }

    function _setInfo(address user, string memory info) private {
        if (bytes(info).length + bytes(_additionalInfo[user]).length != 0) _additionalInfo[user] = info;
    }

    /// @dev Adds `msg.value` to `user`'s ledger, opening it when it is not.
    function _credit(address user) private {
        Record storage record = _records[user];
        if (!_isOpen(record)) _open(user, record);
        _setAvailable(record, _availableIn(record) + msg.value);
        emit Deposited(user, msg.sender, msg.value);
    }

    /// @dev A ledger that was open before is in the list already. The oldest record points to itself, so that
    /// `next` is never zero for a listed one.
    function _open(address user, Record storage record) private {
        _setAvailable(record, 0);
        if (record.next == address(0)) {
            List memory list = _list;
            record.next = list.length == 0 ? user : list.newest;
            _list = List(user, list.length + 1);
        }
    }

    function _close(address user) private {
        _deleteSubAccounts(_services, user);
        _records[user].balance = 0;
        if (bytes(_additionalInfo[user]).length != 0) delete _additionalInfo[user];
        emit LedgerClosed(user);
    }

    function _debit(Record storage record, uint256 amount) private {
        uint256 available = _availableIn(record);
        if (available < amount) revert InsufficientAvailableBalance(available, amount);
        _setAvailable(record, available - amount);
    }

    function _debitForRefund(uint256 amount) private exclusive {
        Record storage record = _requireOpen(msg.sender);
        uint256 available = _availableIn(record);
        if (available < amount) revert InsufficientBalance(msg.sender);

        _setAvailable(record, available - amount);
        emit Withdrawn(msg.sender, amount);
        if (available == amount && _lockedOf(_services, msg.sender) == 0) _close(msg.sender);
    }

    /// @dev A service that fails is passed over: it holds up nobody's money but what was sent to it.
    /// @return amount What was available in the end, taken out of the ledger.
    function _collectEverything() private exclusive returns (uint256 amount) {
        Record storage record = _requireOpen(msg.sender);
        for (uint256 i; i < _services.length; ++i) {
            address service = _services[i];
            if (!_usesService(service, msg.sender)) continue;
            address[] memory providers = _providersOf(service, msg.sender);
            for (uint256 j; j < providers.length; ++j) {
                _tryCollect(record, service, providers[j]);
            }
        }

        amount = _availableIn(record);
        _setAvailable(record, 0);
        emit Withdrawn(msg.sender, amount);
        if (_lockedOf(_services, msg.sender) == 0) _close(msg.sender);
    }

    function _tryCollect(Record storage record, address service, address provider) private {
        _collectingFrom = service;
        // slither-disable-next-line unused-return: a service that fails is passed over
        CappedCall.send(service, abi.encodeCall(IServing.processRefund, (msg.sender, provider)));
        _collectingFrom = address(0);
        _creditCollected(record, service, provider);
        // slither-disable-next-line unused-return: a service that fails is passed over
        CappedCall.send(service, abi.encodeCall(IServing.requestRefundAll, (msg.sender, provider)));
    }

    /// @dev Credits what the service sends, whatever it says that it sent.
    function _collect(Record storage record, address service, address provider) private {
        _collectingFrom = service;
        // slither-disable-next-line reentrancy-no-eth,unused-return: one at a time; what was sent counts
        IServing(service).processRefund(msg.sender, provider);
        _collectingFrom = address(0);

        _creditCollected(record, service, provider);
    }

    function _creditCollected(Record storage record, address service, address provider) private {
        uint256 amount = _collected;
        if (amount == 0) return;
        _collected = 0;
        _setAvailable(record, _availableIn(record) + amount);
        emit Retrieved(msg.sender, service, provider, amount);
    }

    function _pay(uint256 amount) private {
        // slither-disable-next-line arbitrary-send-eth: the caller's own, out of its record
        (bool ok,) = msg.sender.call{value: amount}("");
        if (!ok) revert TransferFailed();
    }

    function _bubble(bytes memory reason) private pure {
        if (reason.length == 0) revert CallFailed();
        assembly ("memory-safe") {
            revert(add(reason, 32), mload(reason))
        }
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}
